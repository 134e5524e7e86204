import { randomBytes } from "node:crypto";
import type { StepRunner } from "../../build/index.ts";
import type { Networks } from "../../network/index.ts";
import { runStep } from "../../runtime/index.ts";
import type { BerthPaths, Host } from "../../system/index.ts";

/**
 * Runs the steps of builds in the low-level runtime. A step is on the network that it names for as long as it runs: Docker's default bridge, the host's,
 * none, or any network of this engine, where it finds the containers by their names.
 */
export function buildRunner(o: { paths: BerthPaths; host: Host; networks: Networks }): StepRunner {
  const { paths, host, networks } = o;
  const where = { run: paths.run, instance: paths.instance, host };
  return {
    run: async ({ network, extraHosts = [], ...step }) => {
      const hostname = step.hostname ?? "buildkitsandbox";
      const files = (id: string) => ({
        hosts: networks.hostsFile(id, { hostname, domainname: "", extraHosts }),
        resolvConf: networks.resolvConf(id, { dns: [], search: [], options: [] }),
      });
      if (network === "host" || network === "none") return runStep(where, { ...step, ...files(""), netns: network });
      const containerId = randomBytes(32).toString("hex");
      const endpoints = { [network === "default" ? "bridge" : network]: {} };
      const request = { containerId, name: hostname, hostname, endpoints, ports: {}, exposed: [], publishAll: false };
      try {
        const [attached] = await networks.attach([request]);
        await attached?.ready;
        return await runStep(where, { ...step, ...files(containerId), netns: attached?.netnsPath ?? "none" });
      } finally {
        networks.release(containerId);
      }
    },
  };
}
