// The QEMU guest agent: one JSON command and its `return` value as text.
// The daemon first spends up to five seconds on its own handshake with the agent.

import type { Caller } from '../caller.ts';
import type { CallOptions } from '../pending-call.ts';
import type { DomainHandle } from '../procedures/handle.ts';
import * as table from '../procedures/qemu.ts';

const DEFAULT_TIMEOUT_SECONDS = 10;
const SYNC_AND_SLACK_MS = 10_000;

export class AgentCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** The raw JSON answer of the agent, `{"return":…}`. */
  async command(
    domain: DomainHandle,
    command: string,
    options: CallOptions & { readonly agentTimeoutSeconds?: number } = {},
  ): Promise<string> {
    const timeoutSeconds = options.agentTimeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
    const timeoutMs = options.timeoutMs ?? timeoutSeconds * 1000 + SYNC_AND_SLACK_MS;
    const args = { domain, command, timeoutSeconds, flags: 0 };
    const answer = await this.#caller.call(table.agentCommand, args, { ...options, timeoutMs });
    return answer ?? '';
  }
}
