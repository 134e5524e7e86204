import { Option } from "commander";
import { declare, type Grammar } from "./declare.ts";
import { byteSize, integer, many } from "./options.ts";

/** Commands about images. */
export function declareImages(grammar: Grammar): void {
  declare(
    grammar,
    "build [SERVICE...]",
    "build the images of services",
    (command) =>
      command
        .option("--build-arg <name=value>", "set a build argument; may be given several times", many)
        .option("--builder <name>", "there is one: default")
        .option("--check", "only say what the builder warns about")
        .option("-m, --memory <bytes>", "memory that a build step may use", byteSize)
        .option("--no-cache", "use nothing of former builds")
        .option("--print", "print the builds as a bake file")
        .option("--provenance <what>", "add a provenance attestation")
        .option("--pull", "look for newer base images")
        .option("--push", "push the images")
        .option("-q, --quiet", "do not show what builds print")
        .option("--sbom <what>", "add an SBOM attestation")
        .option("--ssh <id>", "SSH keys or agents for the builds; may be given several times", many)
        .option("--with-dependencies", "build what the services depend on, too"),
    async () => (await import("../commands/build.ts")).build,
  );
  declare(
    grammar,
    "pull [SERVICE...]",
    "pull the images of services",
    (command) =>
      command
        .option("--ignore-buildable", "leave out images that can be built")
        .option("--ignore-pull-failures", "pull what can be pulled")
        .option("--include-deps", "pull the images of what the services depend on, too")
        .addOption(new Option("--policy <policy>", "when to pull").choices(["missing", "always"]))
        .option("-q, --quiet", "do not show how it gets on"),
    async () => (await import("../commands/transfer.ts")).pull,
  );
  declare(
    grammar,
    "push [SERVICE...]",
    "push the images of services",
    (command) =>
      command
        .option("--ignore-push-failures", "push what can be pushed")
        .option("--include-deps", "push the images of what the services depend on, too")
        .option("-q, --quiet", "do not show how it gets on"),
    async () => (await import("../commands/transfer.ts")).push,
  );
  declare(
    grammar,
    "images [SERVICE...]",
    "list the images of containers",
    (command) => command.option("--format <format>", "table or json", "table").option("-q, --quiet", "only ids"),
    async () => (await import("../commands/images.ts")).images,
  );
  declare(
    grammar,
    "commit <SERVICE> [REPOSITORY[:TAG]]",
    "make an image of what a container has become",
    (command) =>
      command
        .option("-a, --author <author>", "who made it")
        .option("-c, --change <instruction>", "a Dockerfile instruction for the image; may be given several times", many)
        .option("--index <n>", "this container of the service", integer)
        .option("-m, --message <message>", "what for")
        .option("-p, --pause", "pause the container meanwhile", true)
        .option("--no-pause", "do not"),
    async () => (await import("../commands/commit.ts")).commit,
  );
  declare(
    grammar,
    "export <SERVICE>",
    "write a container's file system as a tar",
    (command) => command.option("--index <n>", "this container of the service", integer).option("-o, --output <file>", "to this file"),
    async () => (await import("../commands/export.ts")).exportContainer,
  );
}
