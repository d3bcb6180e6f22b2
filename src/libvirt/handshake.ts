// The opening sequence of a connection: AUTH_LIST, polkit where it is asked for, CONNECT_OPEN.
// AUTH_LIST comes first even for root, because it is what marks a root peer as authenticated.
// Server keepalive is never asked for: a daemon that has stopped reading a busy connection would
// otherwise kill it for its own deafness; we ping from our side instead.

import type { Caller } from './caller.ts';
import { AuthUnsupported } from './error.ts';
import type { CallOptions } from './pending-call.ts';
import * as table from './procedures/connect.ts';

const AUTH_NONE = 0;
const AUTH_POLKIT = 2;
const OPEN_READ_ONLY = 1;

export async function handshake(
  caller: Caller,
  { name, readOnly }: { readonly name: string; readonly readOnly: boolean },
  options: CallOptions,
): Promise<void> {
  const offered = await caller.call(table.authList, undefined, options);
  if (!offered.includes(AUTH_NONE) && offered.length > 0) {
    if (!offered.includes(AUTH_POLKIT)) throw new AuthUnsupported(offered);
    await caller.call(table.authPolkit, undefined, options);
  }
  const flags = readOnly ? OPEN_READ_ONLY : 0;
  await caller.call(table.connectOpen, { name, flags }, options);
}
