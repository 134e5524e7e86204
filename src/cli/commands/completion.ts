import type { Invocation } from "../invocation.ts";

/** `berth completion SHELL`: a script for the shell, which asks `berth __complete` for what can follow. */
export async function completion(cli: Invocation, args: readonly string[]): Promise<void> {
  cli.stdout.write(scripts[args[0] as keyof typeof scripts]); // the grammar takes these names only
}

const scripts = {
  bash: `# bash completion for berth: source <(berth completion bash)
_berth() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" line
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files) COMPREPLY+=($(compgen -f -- "$cur")) ;;
      :directories) COMPREPLY+=($(compgen -d -- "$cur")) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete "\${words[@]}" "$cur" 2>/dev/null)
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace
  return 0
}
complete -o filenames -o bashdefault -F _berth berth
`,
  zsh: `#compdef berth
# zsh completion for berth: source <(berth completion zsh)
_berth() {
  local -a found
  local line name about
  while IFS= read -r line; do
    case "$line" in
      :files) _files ;;
      :directories) _files -/ ;;
      *)
        name="\${line%%$'\\t'*}"
        about="\${line#*$'\\t'}"
        found+=("\${name//:/\\\\:}:$about") ;;
    esac
  done < <("\${words[1]}" __complete "\${(@)words[2,CURRENT-1]}" "\${words[CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe berth found
}
if [[ "\${funcstack[1]}" == _berth ]]; then _berth "$@"; else compdef _berth berth; fi
`,
  fish: `# fish completion for berth: berth completion fish | source
function __berth_complete
  set -l words (commandline -opc)
  for line in ($words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null)
    switch $line
      case ':files' ':directories'
        __fish_complete_path (commandline -ct)
      case '*'
        echo $line
    end
  end
end
complete -c berth -f -a '(__berth_complete)'
`,
} as const;
