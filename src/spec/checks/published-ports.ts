import type { ServicePort } from "../../api/project.ts";
import { type Checked, placeIn } from "./checked.ts";

/** Warns of a port of the host that two services publish, or that one service would publish for each of several containers. */
export function checkPublishedPorts(checked: Checked): void {
  const owners = new Map<string, { service: string; address: string }[]>();
  for (const service of Object.values(checked.project.services)) {
    for (const [index, port] of (service.ports ?? []).entries()) {
      if (!port.published || port.published.includes("-")) continue;
      const key = `${port.published}/${port.protocol}`;
      const address = hostAddress(port);
      const where = () => placeIn(checked, ["services", service.name, "ports", index]);
      const clash = owners.get(key)?.find((owner) => owner.address === address || owner.address === "" || address === "");
      if (clash) {
        const who = clash.service === service.name ? "this service publishes" : `the service "${clash.service}" publishes`;
        checked.problems.warn(`${who} port ${port.published}/${port.protocol} too: one of them will not start`, where());
      }
      owners.set(key, [...(owners.get(key) ?? []), { service: service.name, address }]);
      const count = service.scale ?? service.deploy?.replicas ?? 1;
      if (count > 1)
        checked.problems.warn(
          `${count} containers cannot all publish port ${port.published}`,
          where(),
          "Publish a range, or no fixed port.",
        );
    }
  }
}

/** Empty: every address. */
function hostAddress(port: ServicePort): string {
  return port.host_ip === undefined || port.host_ip === "0.0.0.0" || port.host_ip === "::" ? "" : port.host_ip;
}
