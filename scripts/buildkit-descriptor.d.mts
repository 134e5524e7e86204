/** The descriptions as one JSON object that protobufjs loads without a parser. */
export function buildkitDescriptor(): string;
