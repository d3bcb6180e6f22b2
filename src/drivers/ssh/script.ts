// Turns a script into what is sent to the standard input of the constant command `/bin/sh -s`.
// The remote command line holds nothing of it, so no secret shows in `ps`. The whole script is one
// compound command: a shell runs nothing of it before its last byte has arrived, so a connection
// cut in the middle runs nothing at all. A marker printed first proves that a shell took it.

export const SHELL_COMMAND = '/bin/sh -s';

export interface WrappedScript {
  text: string;
  marker: string;
}

// `nonce` makes the marker unguessable for a noisy login script. The input, when there is one,
// travels inside the text as base64: a shell that reads its script from a pipe may read ahead, so
// what follows the script on the same pipe would not reliably reach the commands. It stands before
// the script, because a shell takes the end of its input for the end of a here-document.
export function wrapScript(
  script: string,
  nonce: string,
  input: string | Buffer | undefined,
): WrappedScript {
  const marker = `benchcluster-run-${nonce}`;
  const body = `{\nprintf '%s\\n' ${marker}\nprintf '%s\\n' ${marker} >&2\n${script}\n}`;
  if (input === undefined) return { text: `${body} </dev/null\n`, marker };
  const lines =
    Buffer.from(input)
      .toString('base64')
      .match(/.{1,4000}/g) ?? [];
  const end = `end-${nonce}`;
  const feed = [`{ base64 -d <<'${end}'`, ...lines, end, '}'].join('\n');
  return { text: `${feed} | ${body}\n`, marker };
}
