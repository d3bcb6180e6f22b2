/** What the commands of the controller to a guest consist of, read back from their text. */

/** The scheduler's own parts of a command that asks for facts; undefined for other commands. */
export function sectionsOf(script: string): { facts: string; view?: string } | undefined {
  const facts = between(
    script,
    '\necho "bc1:begin=facts/$nonce"\n( unset nonce; ',
    '\n) </dev/null\n',
  );
  if (facts === undefined) {
    if (script.includes('bc1:begin=')) throw new Error(`facts that are not understood: ${script}`);
    return undefined;
  }
  const view = between(
    script,
    '\necho "bc1:begin=view/$nonce"\n( unset nonce; ',
    '\n) </dev/null 2>&1; status=$?\n',
  );
  return { facts, ...(view !== undefined && { view }) };
}

function between(text: string, start: string, end: string): string | undefined {
  const at = text.indexOf(start);
  if (at < 0) return undefined;
  const stop = text.indexOf(end, at);
  if (stop < 0) throw new Error(`not understood, it has no ${JSON.stringify(end)}: ${text}`);
  return text.slice(at + start.length, stop);
}

/** The unit that a command starts, and the script that it runs; undefined for other commands. */
export function unitOf(script: string): { name: string; script: string } | undefined {
  const name = /--unit=benchcluster-(\S+)\.service/.exec(script)?.[1];
  if (name === undefined) return undefined;
  const text = new RegExp(
    `^printf %s ((?:'[^']*'|\\\\'|[^\\s'\\\\])+) >/run/benchcluster/${name}\\.sh$`,
    'm',
  ).exec(script)?.[1];
  if (text === undefined) throw new Error(`not understood, it has no script: ${script}`);
  return { name, script: unquoted(text) };
}

/** The files that a start script writes, by path: as base64, or as one quoted word of text. */
export function filesOf(script: string): [path: string, content: string][] {
  const coded = /base64 -d >(\S+)\.benchcluster <<'bc1-end'\n([A-Za-z0-9+/=\n]*?)\nbc1-end\n/g;
  const plain = /^printf %s ((?:'[^']*'|\\'|[^\s'\\])+) >(\S+)\.benchcluster$/gm;
  const files = [
    ...[...script.matchAll(coded)].map(([, path = '', content = '']): [string, string] => [
      path,
      Buffer.from(content, 'base64').toString('latin1'),
    ]),
    ...[...script.matchAll(plain)].map(([, word = '', path = '']): [string, string] => [
      path,
      Buffer.from(unquoted(word)).toString('latin1'),
    ]),
  ];
  const moves = script.match(/^mv \S+\.benchcluster /gm) ?? [];
  if (files.length !== moves.length) throw new Error(`files that are not understood in: ${script}`);
  return files;
}

function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|\\'/g, (_, text: string | undefined) => text ?? "'");
}
