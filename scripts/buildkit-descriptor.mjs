// node scripts/buildkit-descriptor.mjs: src/engine/buildkit/descriptor.generated.json from the .proto files beside it.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const room = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/engine/buildkit");

/** The descriptions as one JSON object that protobufjs loads without a parser. Names stay as they are written. */
export function buildkitDescriptor() {
  const root = new protobuf.Root();
  // Where Go's generators read their options: nothing of it is on the wire. google/protobuf is built into protobufjs.
  root.resolvePath = (_, target) =>
    target.includes("vtprotobuf")
      ? null
      : target.startsWith("google/protobuf/") || target.startsWith("/")
        ? target
        : join(room, "proto", target);
  root.loadSync(
    [
      "github.com/containerd/containerd/api/services/content/v1/content.proto",
      "github.com/moby/buildkit/api/services/control/control.proto",
      "github.com/moby/buildkit/frontend/gateway/pb/gateway.proto",
      "github.com/moby/buildkit/session/auth/auth.proto",
      "github.com/moby/buildkit/session/filesync/filesync.proto",
      "github.com/moby/buildkit/session/secrets/secrets.proto",
      "github.com/moby/buildkit/session/sshforward/ssh.proto",
      "github.com/moby/buildkit/session/upload/upload.proto",
      "grpc/health/v1/health.proto",
    ],
    { keepCase: true },
  );
  root.resolveAll();
  return JSON.stringify(root.toJSON({ keepComments: false }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(room, "descriptor.generated.json"), `${buildkitDescriptor()}\n`);
