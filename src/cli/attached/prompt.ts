/** A question at the terminal's bottom: a name out of a list, or any text. */
export interface Prompt {
  readonly question: string;
  /** Absent: free text. */
  readonly choices?: readonly string[];
  readonly text: string;
}

export type PromptAnswer =
  | { readonly kind: "going-on"; readonly prompt: Prompt }
  | { readonly kind: "cancelled" }
  /** Empty: the whole list, or no text. */
  | { readonly kind: "answered"; readonly values: readonly string[] };

/** What one key makes of a prompt: a digit picks, letters narrow the list down, Enter takes what is left, Esc gives up. */
export function promptKey(prompt: Prompt, key: string): PromptAnswer {
  if (key === "\x1b" || key === "\x03") return { kind: "cancelled" };
  const { choices, text } = prompt;
  if (key === "\r" || key === "\n") {
    if (!choices) return { kind: "answered", values: text === "" ? [] : [text] };
    const left = text === "" ? [] : matching(choices, text);
    return text !== "" && left.length === 0 ? { kind: "going-on", prompt } : { kind: "answered", values: left };
  }
  if (key === "\x7f" || key === "\b") return { kind: "going-on", prompt: { ...prompt, text: text.slice(0, -1) } };
  if (choices && text === "" && /^[1-9]$/.test(key)) {
    const picked = choices[Number(key) - 1];
    return picked === undefined ? { kind: "going-on", prompt } : { kind: "answered", values: [picked] };
  }
  return /^[^\x00-\x1f]+$/.test(key) ? { kind: "going-on", prompt: { ...prompt, text: text + key } } : { kind: "going-on", prompt };
}

/** "restart which service? 1 web  2 db  (Enter: all, Esc: none) w" */
export function promptLine({ question, choices, text }: Prompt): string {
  if (!choices) return ` ${question} ${text}▏(Enter, Esc)`;
  const left = matching(choices, text);
  const list = left.map((name) => (text === "" && choices.indexOf(name) < 9 ? `${choices.indexOf(name) + 1} ${name}` : name)).join("  ");
  return ` ${question} ${list || "none is called so"}  (Enter: all of these, Esc: none) ${text}▏`;
}

const matching = (choices: readonly string[], text: string): string[] => choices.filter((name) => name.startsWith(text));
