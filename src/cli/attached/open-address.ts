import { spawn } from "node:child_process";

/** Hands an address to $BROWSER, or to the desktop's opener; answers a sentence on it. Where there is neither, the address itself is what a terminal makes a link of. */
export async function openAddress(url: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  for (const program of [env["BROWSER"], "xdg-open"].filter((one) => one !== undefined && one !== "")) {
    const started = await new Promise<boolean>((resolve) => {
      const child = spawn(program ?? "", [url], { stdio: "ignore", detached: true });
      child.once("error", () => resolve(false));
      child.once("spawn", () => {
        child.unref();
        resolve(true);
      });
    });
    if (started) return `opened ${url}`;
  }
  return `open ${url} (there is no browser to hand it to: set BROWSER)`;
}
