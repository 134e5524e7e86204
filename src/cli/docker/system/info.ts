import { formatRows } from "../../render/format-rows.ts";
import { command } from "../command.ts";
import { templateFormat } from "../format/format-flag.ts";

/** What GET /info and GET /version tell, as far as it is shown here. */
interface Info extends Readonly<Record<string, unknown>> {
  readonly Plugins: { readonly Volume: string[]; readonly Network: string[]; readonly Log: string[] };
  readonly SecurityOptions: readonly string[];
  readonly MemTotal: number;
  readonly Warnings: readonly string[] | null;
}
interface Version extends Readonly<Record<string, unknown>> {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly KernelVersion: string;
}

const formatFlag = `-f, --format string  ${templateFormat}`;

export const info = command({
  usage: "[OPTIONS]",
  about: "Display system-wide information",
  flags: formatFlag,
  run: async ({ engine, flags, print, printError }) => {
    const server = await engine.json<Info>("GET", "/info");
    const format = flags.text("format");
    if (format !== undefined) {
      // The client and its plugins are this program.
      const ClientInfo = { Debug: false, Context: "default", Plugins: [], Warnings: null };
      const fields = { ...server, ClientInfo };
      for (const line of formatRows(format, [fields], { type: "system.dockerInfo" })) print(line);
      return;
    }
    const client = [
      "Client:",
      ` Version:    ${(await engine.json<Version>("GET", "/version")).Version}`,
      " Context:    default",
      " Debug Mode: false",
    ];
    print([...client, "", "Server:", ...serverLines(server), ""].join("\n"));
    for (const warning of server.Warnings ?? []) printError(`WARNING: ${warning}`);
  },
});

function serverLines(server: Info): string[] {
  const line = (name: string, field: string) => ` ${name}: ${String(server[field])}`;
  const { Plugins: plugins } = server;
  return [
    line("Containers", "Containers"),
    ` ${line("Running", "ContainersRunning")}`,
    ` ${line("Paused", "ContainersPaused")}`,
    ` ${line("Stopped", "ContainersStopped")}`,
    line("Images", "Images"),
    line("Server Version", "ServerVersion"),
    line("Storage Driver", "Driver"),
    line("Logging Driver", "LoggingDriver"),
    line("Cgroup Driver", "CgroupDriver"),
    line("Cgroup Version", "CgroupVersion"),
    " Plugins:",
    `  Volume: ${plugins.Volume.join(" ")}`,
    `  Network: ${plugins.Network.join(" ")}`,
    `  Log: ${plugins.Log.join(" ")}`,
    " Swarm: inactive",
    line("Default Runtime", "DefaultRuntime"),
    " Security Options:",
    ...server.SecurityOptions.map((option) => `  ${option.replace(/^name=/, "").split(",")[0]}`),
    line("Kernel Version", "KernelVersion"),
    line("Operating System", "OperatingSystem"),
    line("OSType", "OSType"),
    line("Architecture", "Architecture"),
    line("CPUs", "NCPU"),
    ` Total Memory: ${Number((server.MemTotal / 1024 ** 3).toPrecision(4))}GiB`,
    line("Name", "Name"),
    line("ID", "ID"),
    line("Docker Root Dir", "DockerRootDir"),
    ` Debug Mode: ${String(server["Debug"])}`,
    line("Live Restore Enabled", "LiveRestoreEnabled"),
  ];
}

export const version = command({
  usage: "[OPTIONS]",
  about: "Show the Docker version information",
  flags: formatFlag,
  run: async ({ engine, flags, print }) => {
    const server = await engine.json<Version>("GET", "/version");
    // Client and engine are one program.
    const client = {
      Version: server.Version,
      ApiVersion: server.ApiVersion,
      DefaultAPIVersion: server.ApiVersion,
      GitCommit: "",
      GoVersion: "",
      Os: server.Os,
      Arch: server.Arch,
      BuildTime: "",
      Context: "default",
    };
    const format = flags.text("format");
    if (format !== undefined) {
      for (const text of formatRows(format, [{ Client: client, Server: server }], { type: "system.versionInfo" })) print(text);
      return;
    }
    print(`Client: Berth
 Version:           ${client.Version}
 API version:       ${client.ApiVersion}
 OS/Arch:           ${client.Os}/${client.Arch}
 Context:           default

Server: Berth
 Engine:
  Version:          ${server.Version}
  API version:      ${server.ApiVersion} (minimum version ${server.MinAPIVersion})
  OS/Arch:          ${server.Os}/${server.Arch}
  Kernel Version:   ${server.KernelVersion}`);
  },
});
