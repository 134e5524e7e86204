import { command } from "../command.ts";

export const connect = command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  about: "Connect a container to a network",
  flags: `
    --alias strings...  Add network-scoped alias for the container
    --driver-opt strings...  driver options for the network
    --gw-priority int  Highest gw-priority provides the default gateway. Accepts positive and negative values.
    --ip string  IPv4 address (e.g., "172.30.100.104")
    --ip6 string  IPv6 address (e.g., "2001:db8::33")
    --link list...  Add link to another container
    --link-local-ip strings...  Add a link-local address for the container
  `,
  arity: [2, 2],
  run: async ({ engine, flags, args: [network = "", Container = ""] }) => {
    const [ip, ip6] = [flags.text("ip"), flags.text("ip6")];
    const priority = flags.int("gw-priority");
    const EndpointConfig = {
      Aliases: flags.list("alias"),
      Links: flags.list("link"),
      DriverOpts: Object.fromEntries(flags.list("driver-opt").map((text) => [text.split("=")[0], text.split("=").slice(1).join("=")])),
      ...(priority === undefined ? {} : { GwPriority: priority }),
      ...(ip || ip6 || flags.list("link-local-ip").length > 0
        ? {
            IPAMConfig: {
              ...(ip ? { IPv4Address: ip } : {}),
              ...(ip6 ? { IPv6Address: ip6 } : {}),
              ...(flags.list("link-local-ip").length > 0 ? { LinkLocalIPs: flags.list("link-local-ip") } : {}),
            },
          }
        : {}),
    };
    await engine.json("POST", `/networks/${encodeURIComponent(network)}/connect`, { body: { Container, EndpointConfig } });
  },
});

export const disconnect = command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  about: "Disconnect a container from a network",
  flags: "-f, --force  Force the container to disconnect from a network",
  arity: [2, 2],
  run: async ({ engine, flags, args: [network = "", Container = ""] }) => {
    await engine.json("POST", `/networks/${encodeURIComponent(network)}/disconnect`, { body: { Container, Force: flags.on("force") } });
  },
});
