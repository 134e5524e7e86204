import { expect, test } from "vitest";
import { fitToHost, parseHardLimits } from "./host-limits.ts";

const modest = { canRaise: false, oomScoreAdj: 0, hard: { nofile: 20_000 }, blkioWeight: false, swapLimit: true, oomKillDisable: false };
const mighty = { ...modest, canRaise: true, blkioWeight: true, oomKillDisable: true };

test("what the machine can grant is left as it is", () => {
  const hc = {
    Ulimits: [{ Name: "nofile", Soft: 1, Hard: 1_000_000 }],
    OomScoreAdj: -500,
    BlkioWeight: 100,
    OomKillDisable: true,
    Memory: 1,
  };
  expect(fitToHost(hc, mighty)).toEqual({ hostConfig: hc, warnings: [] });
});

test("a limit above the engine's own is lowered to it, and that is said", () => {
  const ulimits = [
    { Name: "nofile", Soft: 65_536, Hard: 65_536 },
    { Name: "core", Soft: -1, Hard: -1 },
  ];
  const { hostConfig, warnings } = fitToHost({ Ulimits: ulimits }, modest);
  expect(hostConfig.Ulimits).toEqual([{ Name: "nofile", Soft: 20_000, Hard: 20_000 }, ulimits[1]]);
  expect(warnings).toEqual(["The limit nofile=65536 is more than this engine may give; it is 20000."]);
});

test("an unlimited limit becomes the engine's own", () => {
  const { hostConfig } = fitToHost({ Ulimits: [{ Name: "nofile", Soft: -1, Hard: -1 }] }, modest);
  expect(hostConfig.Ulimits).toEqual([{ Name: "nofile", Soft: 20_000, Hard: 20_000 }]);
});

test("a score that cannot be lowered, weights and OomKillDisable are discarded, each with a warning", () => {
  const { hostConfig, warnings } = fitToHost({ OomScoreAdj: -500, BlkioWeight: 10, OomKillDisable: true }, modest);
  expect(hostConfig).toMatchObject({ OomScoreAdj: 0, BlkioWeight: 0, OomKillDisable: false });
  expect(warnings).toHaveLength(3);
});

test("without swap accounting memory is limited without swap", () => {
  const { hostConfig, warnings } = fitToHost({ Memory: 1 << 24 }, { ...modest, swapLimit: false });
  expect(hostConfig.MemorySwap).toBe(-1);
  expect(warnings).toHaveLength(1);
});

test("hard limits are read from the kernel's table", () => {
  const text =
    "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 20000                files\nMax stack size            8388608              unlimited            bytes\n";
  expect(parseHardLimits(text)).toEqual({ nofile: 20_000 });
});
