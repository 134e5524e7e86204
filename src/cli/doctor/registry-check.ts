import { readFileSync } from "node:fs";
import { request } from "node:https";
import { rootCertificates } from "node:tls";
import { messageOf } from "../../system/error.ts";
import type { Check } from "./check.ts";

type Env = Readonly<Record<string, string | undefined>>;

const timeoutMs = 3000;

/** Whether Docker Hub answers, with any status: without credentials it says 401. */
export async function registryCheck(env: Env, signal: AbortSignal, host = "registry-1.docker.io"): Promise<Check> {
  const name = "registry";
  try {
    const status = await statusOf(host, env, signal);
    return { name, state: "ok", found: `${host} answers (${status})` };
  } catch (error) {
    return {
      name,
      state: "warning",
      found: `${host}: ${messageOf(error)}`,
      todo: "Images cannot be pulled from there: `berth image load` takes archives, `berth image bootstrap debian:bookworm-slim` makes a base image.",
    };
  }
}

function statusOf(host: string, env: Env, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, path: "/v2/", method: "GET", timeout: timeoutMs, signal, ...authorities(env) }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once("timeout", () => asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    asked.once("error", reject);
    asked.end();
  });
}

/** The launcher keeps NODE_EXTRA_CA_CERTS from Node, which reads the file at each start: here it is read by us. */
function authorities({ NODE_EXTRA_CA_CERTS: file }: Env): { ca?: string[] } {
  return file ? { ca: [...rootCertificates, readFileSync(file, "utf8")] } : {};
}
