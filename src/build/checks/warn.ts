/** Told what a build check has found; `rule` is its name ("StageNameCasing"). */
export type Warn = (message: string, rule: string, line: number) => void;
