import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";

let berth: Berth;
beforeAll(async () => {
  berth = await installedBerth();
});
afterAll(async () => {
  await berth?.[Symbol.asyncDispose]();
});

/** As in many containers, the first process waits for its own child only. */
const carelessInit = `require("node:child_process").spawn("sh", ["-euc", process.argv[1]], { stdio: "inherit" }).on("exit", (code) => process.exit(code ?? 1))`;

describe("where the machine's first process reaps nobody", () => {
  it("a container ends although its exec was killed, and no monitor stays as a zombie", async () => {
    const script = `
      export PATH=${checkout}/bin:$PATH
      berth image load
      id=$(berth docker run -d busybox sleep 1000)
      berth docker exec -d $id sleep 2000
      for process in /proc/[0-9]*; do
        case $(tr '\\0' ' ' < $process/cmdline 2>&1) in *run*" exec "*$id*) kill -9 \${process#/proc/}; killed=yes;; esac
      done
      [ $killed = yes ]
      timeout 30 berth docker rm -f $id
      for n in 1 2 3; do berth docker run --rm busybox true; done
      while grep -q "(conmon) Z" /proc/[0-9]*/stat; do sleep 0.1; done
      berth engine stop`;
    const { exitCode, all } = await execa(
      "unshare",
      ["--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, "-e", carelessInit, script],
      { env: berth.env, input: busyboxArchive(), all: true, reject: false, timeout: 90_000 },
    );
    expect({ exitCode, all }).toMatchObject({ exitCode: 0 });
  });
});
