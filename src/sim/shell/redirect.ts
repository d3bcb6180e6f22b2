/** `<`, `>`, `>>`, `>&` and here documents. A file is written at once, and again when the command ends. */
import type { Expansion } from './expand.ts';
import type { ShellMachine, Streams, Waiting } from './machine.ts';
import type { Redirect } from './syntax.ts';

/** Undefined when a file cannot be opened, so that the command does not run. */
export function* redirected(
  redirects: Redirect[],
  before: Streams,
  machine: ShellMachine,
  expansion: Expansion,
): Waiting<{ streams: Streams; close: () => void } | undefined> {
  const streams = { ...before };
  const closing: (() => void)[] = [];
  for (const { kind, stream, target } of redirects) {
    const text = yield* expansion.text(target);
    const slot = stream === 2 ? 'errors' : 'output';
    if (kind === '>&') streams[slot] = text === '2' ? streams.errors : streams.output;
    else if (kind === 'here') streams.input = { text, at: 0 };
    else if (kind === '<') {
      const content = text === '/dev/null' ? '' : machine.read(text);
      if (content === undefined) {
        streams.errors.text += `sh: cannot open ${text}: No such file\n`;
        return undefined;
      }
      streams.input = { text: content, at: 0 };
    } else {
      const sink = { text: kind === '>>' ? (machine.read(text) ?? '') : '' };
      streams[slot] = sink;
      if (text === '/dev/null') continue;
      machine.write(text, sink.text);
      closing.push(() => machine.write(text, sink.text));
    }
  }
  const close = (): void => {
    for (const write of closing) write();
  };
  return { streams, close };
}
