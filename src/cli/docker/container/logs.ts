import type { Container } from "../../../api/index.ts";
import { messageOf } from "../../../system/error.ts";
import { demultiplex } from "../../client/index.ts";
import { write } from "../../client/session.ts";
import { moment } from "../../moment.ts";
import { command } from "../command.ts";
import { DockerExit } from "../usage-error.ts";

export const logs = command({
  usage: "[OPTIONS] CONTAINER",
  about: "Fetch the logs of a container",
  flags: `
    --details  Show extra details provided to logs
    -f, --follow  Follow log output
    --since string  Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
    -n, --tail string  Number of lines to show from the end of the logs (default "all")
    -t, --timestamps  Show timestamps
    --until string  Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)
  `,
  arity: [1, 1],
  run: async ({ engine, flags, args: [name = ""], stdout, stderr, signal }) => {
    const path = `/containers/${encodeURIComponent(name)}`;
    const { Config } = await engine.json<Container>("GET", `${path}/json`);
    const query = {
      stdout: true,
      stderr: true,
      follow: flags.on("follow"),
      timestamps: flags.on("timestamps"),
      tail: flags.text("tail") ?? "all",
      since: checked("since", flags.text("since")),
      details: flags.on("details"),
      until: checked("until", flags.text("until")),
    };
    const stream = await engine.stream("GET", `${path}/logs`, { query, signal });
    if (Config.Tty) for await (const data of stream as AsyncIterable<Buffer>) await write(stdout, data);
    else
      for await (const chunk of demultiplex(stream as AsyncIterable<Buffer>)) await write(chunk.stream === 2 ? stderr : stdout, chunk.data);
  },
});

/** @throws DockerExit for what is neither a moment nor a span of time */
function checked(name: string, text: string | undefined): string | undefined {
  try {
    return moment(text, Date.now());
  } catch (error) {
    throw new DockerExit(1, `invalid value for ${JSON.stringify(name)}: ${messageOf(error)}`);
  }
}
