/**
 * What a guest says through its agent's channel, which no neighbour on its network can forge.
 * Every answer is bounded and parsed strictly: a guest is a stranger too.
 */
import { PortError } from '../../controllers/ports.ts';
import { LibvirtError } from '../../libvirt/error.ts';
import { AddressSource } from '../../libvirt/flags.ts';
import type { LibvirtCalls } from './calls.ts';

const hostKeyPath = '/etc/ssh/ssh_host_ed25519_key.pub';
const maxKeyBytes = 1024;
const maxAddresses = 64;

type GuestCalls = Pick<LibvirtCalls, 'agent' | 'details'>;

export class Guests {
  readonly #calls: GuestCalls;

  constructor(calls: GuestCalls) {
    this.#calls = calls;
  }

  async hostKey(uuid: string, signal: AbortSignal): Promise<string> {
    const handle = await this.#agent(uuid, 'guest-file-open', { path: hostKeyPath }, signal);
    if (typeof handle !== 'number') throw new PortError('failed', 'Guest agent opened no file');
    try {
      const read = { handle, count: maxKeyBytes };
      const answer = await this.#agent(uuid, 'guest-file-read', read, signal);
      return readHostKey(answer);
    } finally {
      // A file that stays open costs the guest a descriptor, no more.
      await this.#agent(uuid, 'guest-file-close', { handle }, signal).catch(() => undefined);
    }
  }

  async addresses(uuid: string, signal: AbortSignal): Promise<{ mac: string; address: string }[]> {
    const domain = { name: uuid, uuid };
    const found = new Map<string, { mac: string; address: string }>();
    for (const source of [AddressSource.agent, AddressSource.arp]) {
      const interfaces = await this.#unlessRefused(
        this.#calls.details.interfaceAddresses(domain, source, { signal }),
      );
      for (const { mac: printed, addresses } of interfaces ?? []) {
        const mac = printed?.toLowerCase();
        for (const { family, address } of addresses) {
          if (mac === undefined || family !== 'ipv4' || !isPlausible(address)) continue;
          if (found.size >= maxAddresses) break;
          found.set(`${mac} ${address}`, { mac, address });
        }
      }
    }
    return [...found.values()];
  }

  /** No agent yet, or an ARP table that this kernel does not give: no answer is an answer. */
  async #unlessRefused<T>(result: Promise<T>): Promise<T | undefined> {
    try {
      return await result;
    } catch (error) {
      if (error instanceof LibvirtError) return undefined;
      throw error;
    }
  }

  async #agent(
    uuid: string,
    execute: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const command = JSON.stringify({ execute, arguments: args });
    const answer = await this.#calls.agent.command({ name: uuid, uuid }, command, { signal });
    try {
      const parsed: unknown = JSON.parse(answer);
      if (typeof parsed === 'object' && parsed !== null && 'return' in parsed) return parsed.return;
    } catch (cause) {
      throw new PortError('failed', `Guest agent answered no JSON to ${execute}`, { cause });
    }
    throw new PortError('failed', `Guest agent gave no result of ${execute}`);
  }
}

function readHostKey(answer: unknown): string {
  const encoded =
    typeof answer === 'object' && answer !== null && 'buf-b64' in answer ? answer['buf-b64'] : '';
  const text = typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('utf8') : '';
  const match = /^ssh-ed25519 (AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})(?:\s|$)/.exec(text);
  if (match === null) throw new PortError('failed', `No ed25519 host key in ${hostKeyPath}`);
  return `ssh-ed25519 ${match[1]}`;
}

/** Not the guest talking to itself, and not an address it gave itself for lack of a lease. */
function isPlausible(address: string): boolean {
  return !/^(127\.|169\.254\.|0\.|22[4-9]\.|2[3-5]\d\.)/.test(address);
}
