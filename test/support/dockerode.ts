import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type Dockerode from "dockerode";

/** A container of busybox that runs a script. */
export function scriptContainer(
  docker: Dockerode,
  script: string,
  more: Dockerode.ContainerCreateOptions = {},
): Promise<Dockerode.Container> {
  return docker.createContainer({ Image: "busybox", Cmd: ["sh", "-c", script], ...more });
}

/** Both streams of a framed answer, to their end. */
export async function framed(docker: Dockerode, stream: NodeJS.ReadableStream): Promise<{ out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.on("end", () => [out, err].map((end) => end.end()));
  return { out: await text(out), err: await text(err) };
}
