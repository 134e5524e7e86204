import { request } from "node:https";
import { messageOf } from "../../system/error.ts";
import type { Check } from "./check.ts";

const timeoutMs = 3000;

/** Whether Docker Hub answers, with any status: without credentials it says 401. */
export async function registryCheck(signal: AbortSignal, host = "registry-1.docker.io"): Promise<Check> {
  const name = "registry";
  try {
    const status = await statusOf(host, signal);
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

function statusOf(host: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, path: "/v2/", method: "GET", timeout: timeoutMs, signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once("timeout", () => asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    asked.once("error", reject);
    asked.end();
  });
}
