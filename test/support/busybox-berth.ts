import { afterAll } from "vitest";
import { type Berth, installedBerth } from "./berth.ts";
import { EngineApi } from "./engine-api.ts";
import { loadBusybox } from "./project.ts";

/** A Berth with the busybox image for all tests of a file, ended after the last of them. Awaited at the top of the file. */
export async function busyboxBerth(): Promise<Berth> {
  let berth: Berth | undefined;
  afterAll(() => berth?.[Symbol.asyncDispose]());
  const started = await installedBerth();
  try {
    await loadBusybox(started);
  } catch (error) {
    await started[Symbol.asyncDispose](); // a file that could not be read has no last test
    throw error;
  }
  berth = started;
  return started;
}

/** The same, with a client of its API. */
export async function busyboxEngine(): Promise<{ berth: Berth; api: EngineApi }> {
  const berth = await busyboxBerth();
  const api = new EngineApi(berth.socket);
  afterAll(() => api.close());
  return { berth, api };
}
