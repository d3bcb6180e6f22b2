// How a reply is decoded, and the error struct that fills a failed reply and a broken stream
// (remote_error in the .x file). A reply that cannot be decoded fails only its own call.

import { i32, optional, str, struct, uuid } from '../codec.ts';
import { LibvirtError, ProtocolError } from '../error.ts';
import { type Frame, STATUS_ERROR, STATUS_OK } from '../frame.ts';
import { XdrReader } from '../xdr.ts';
import type { Procedure } from './procedure.ts';

const domain = struct({ name: str, uuid, id: i32 });
const network = struct({ name: str, uuid });

export const errorReply = struct({
  code: i32,
  domain: i32,
  message: optional(str),
  level: i32,
  dom: optional(domain),
  str1: optional(str),
  str2: optional(str),
  str3: optional(str),
  int1: i32,
  int2: i32,
  net: optional(network),
});

const RPC = 39;
const RPC_DOMAIN = 7;
const NO_SUPPORT = 3;

export function readErrorReply(reader: XdrReader, procedure: string): LibvirtError {
  const { code, domain: source, message = '', int1 } = errorReply.read(reader);
  // A daemon that is too old says it in words only; libvirt's own client tests the same words.
  const unknown = code === RPC && source === RPC_DOMAIN && message.startsWith('unknown procedure');
  const number = unknown ? NO_SUPPORT : code;
  return new LibvirtError({ number, domain: source, message, errno: int1, procedure });
}

/** A failed reply, told apart from every value that a reply can have. */
export class Failed {
  readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }
}

export function decodeReply(procedure: Procedure<unknown, unknown>, frame: Frame): unknown {
  const reader = new XdrReader(frame.buffer, frame.start, frame.end);
  try {
    if (frame.status === STATUS_OK) return procedure.ret.read(reader);
    if (frame.status === STATUS_ERROR) return new Failed(readErrorReply(reader, procedure.name));
    return new Failed(new ProtocolError(`reply of status ${frame.status}`));
  } catch (error) {
    if (error instanceof ProtocolError) return new Failed(error);
    throw error;
  }
}
