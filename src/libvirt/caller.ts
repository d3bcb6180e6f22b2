// The port of the typed calls: something that can send a procedure, be it one connection or a
// client that reconnects. The call groups in calls/ need nothing else.

import type { DeadlineQueue } from './deadlines.ts';
import type { CallOptions } from './pending-call.ts';
import type { Procedure } from './procedures/procedure.ts';
import type { StreamChannel } from './stream-channel.ts';

export interface OpenStream {
  readonly channel: StreamChannel;
  /** Deadlines of the same transport, for whoever moves the bytes. */
  readonly deadlines: DeadlineQueue;
}

export interface Caller {
  call<A, R>(procedure: Procedure<A, R>, args: A, options?: CallOptions): Promise<R>;
  openStream<A>(procedure: Procedure<A, void>, args: A, options?: CallOptions): Promise<OpenStream>;
}
