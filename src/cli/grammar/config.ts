import { Option } from "commander";
import { declare, type Grammar } from "./declare.ts";

/** `berth config`: what the project's files mean. */
export function declareConfig(grammar: Grammar): void {
  declare(
    grammar,
    "config [SERVICE...]",
    "show what the project's files mean, in canonical form",
    (command) =>
      command
        .addOption(new Option("--format <format>", "how").choices(["yaml", "json"]))
        .option("--environment", "print the variables that the files are read with")
        .option("--hash <services>", 'print the hash of services, or of all ("*")')
        .option("--images", "print the images")
        .option("--lock-image-digests", "print an override file that pins the images to digests")
        .option("--models", "print the models")
        .option("--networks", "print the names of the networks")
        .option("--no-consistency", "do not check that it all fits together")
        .option("--no-env-resolution", "do not read the services' env_files")
        .option("--no-interpolate", "leave variables as they are")
        .option("--no-normalize", "do not write out what is understood")
        .option("--no-path-resolution", "leave paths as they are")
        .option("-o, --output <file>", "write to this file")
        .option("--profiles", "print the profiles")
        .option("-q, --quiet", "only check, print nothing")
        .option("--resolve-image-digests", "pin the images to digests")
        .option("--services", "print the names of the services")
        .option("--variables", "print the variables that the files refer to")
        .option("--volumes", "print the names of the volumes"),
    async () => (await import("../commands/config.ts")).config,
  );
}
