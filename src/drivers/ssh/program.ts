// A program on the other side whose standard input and output are a byte stream to us, such as
// the helper that relays to libvirt's socket. Its end is regular with exit status zero, or when we
// hung up first after it had answered (libvirt's helper takes that for an error of its own);
// otherwise the stream fails with what the program said on its standard error.

import { type ChannelContext, ChannelStream } from './channel-stream.ts';
import { SshProgramFailed } from './error.ts';
import { BoundedOutput } from './output.ts';
import { printableTail } from './printable.ts';
import type { Session } from './session.ts';

const STDERR_BYTES = 8 * 1024;
const TAIL_CHARACTERS = 500;

export function openProgram(
  session: Session,
  command: string,
  name: string,
  context: ChannelContext,
): ChannelStream {
  const stderr = new BoundedOutput(STDERR_BYTES);
  const { channel } = session;
  channel.stderr.on('data', (chunk: Buffer) => {
    context.delivered(chunk.length);
    stderr.add(chunk);
  });
  let answered = false;
  const endError = () => {
    const exitCode = session.exit?.exitCode ?? null;
    if (exitCode === 0 || (answered && stream.writableEnded)) return undefined;
    const tail = printableTail(stderr.kept().text, TAIL_CHARACTERS);
    return new SshProgramFailed(name, command, exitCode, tail);
  };
  const delivered = (bytes: number) => {
    answered = true;
    context.delivered(bytes);
  };
  const stream = new ChannelStream(channel, { ...context, delivered, endError });
  return stream;
}
