/** A directory with the buildx and Compose plugins. @throws Error that says what is missing */
export function dockerPlugins(): string;
