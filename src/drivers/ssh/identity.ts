// Who we are to an SSH server: a private key, or one or all of the keys of an agent.
// It is made ready before any connection, so that an unreadable key or a dead agent is an error of
// its own and not a mysterious refusal by the server. A private key never leaves this value.

import ssh2, { type AgentAuthMethod, type ParsedKey, type PublicKeyAuthMethod } from 'ssh2';
import { type Bounds, bounded } from './bounded.ts';
import { SshIdentityUnusable, SshTimeout } from './error.ts';
import { fingerprint, type PublicKey, publicKeyOfBlob, sameKey } from './keys.ts';

export type Identity =
  | { kind: 'key'; privateKey: string | Buffer; name: string }
  | { kind: 'agent'; socket: string; publicKey?: PublicKey };

export interface ReadyIdentity {
  offered: readonly string[]; // fingerprints
  methods: (user: string) => (PublicKeyAuthMethod | AgentAuthMethod)[];
}

export async function readyIdentity(
  identity: Identity,
  host: string,
  bounds: Omit<Bounds, 'onTimeout'>,
): Promise<ReadyIdentity> {
  return identity.kind === 'key'
    ? readyKey(identity.privateKey, identity.name, host)
    : await readyAgent(identity, host, bounds);
}

function readyKey(privateKey: string | Buffer, name: string, host: string): ReadyIdentity {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || !parsed.isPrivateKey()) {
    const reason = parsed instanceof Error ? parsed.message : 'it holds no private key';
    const hint = 'use an unencrypted OpenSSH private key, or load it in an agent with ssh-add';
    throw new SshIdentityUnusable(host, name, reason, hint);
  }
  return {
    offered: [fingerprint(publicKeyOfBlob(parsed.getPublicSSH()))],
    methods: (username) => [{ type: 'publickey', username, key: parsed }],
  };
}

async function readyAgent(
  identity: { socket: string; publicKey?: PublicKey },
  host: string,
  bounds: Omit<Bounds, 'onTimeout'>,
): Promise<ReadyIdentity> {
  const name = `the agent at ${identity.socket}`;
  const wanted = identity.publicKey;
  const limits = { ...bounds, onTimeout: () => new SshTimeout(host, 'auth', bounds.timeoutMs) };
  const all = await bounded<ParsedKey[]>(limits, (resolve, reject) => {
    new ssh2.OpenSSHAgent(identity.socket).getIdentities((error, keys) => {
      if (!error) return resolve((keys ?? []).filter((key) => 'getPublicSSH' in key));
      const hint = 'start ssh-agent, add a key with ssh-add, and see that SSH_AUTH_SOCK names it';
      reject(new SshIdentityUnusable(host, name, 'it does not answer', hint, error));
    });
  });
  const usable = all.filter((key) => {
    const known = supportedKey(key);
    return known !== undefined && (wanted === undefined || sameKey(known, wanted));
  });
  if (usable.length === 0) {
    const missing = wanted === undefined ? 'a key' : `the key ${fingerprint(wanted)}`;
    throw new SshIdentityUnusable(host, name, `it does not hold ${missing}`, 'add it with ssh-add');
  }
  const agent = new PickedKeys(identity.socket, usable);
  return {
    offered: usable.map((key) => fingerprint(publicKeyOfBlob(key.getPublicSSH()))),
    methods: (username) => [{ type: 'agent', username, agent }],
  };
}

// An agent may hold certificates and security keys too, which ssh2 cannot offer.
function supportedKey(key: ParsedKey): PublicKey | undefined {
  try {
    return publicKeyOfBlob(key.getPublicSSH());
  } catch {
    return undefined;
  }
}

// An agent that offers only the chosen keys: a server ends the login after a few wrong ones.
class PickedKeys extends ssh2.OpenSSHAgent {
  readonly #keys: ParsedKey[];

  constructor(socket: string, keys: ParsedKey[]) {
    super(socket);
    this.#keys = keys;
  }

  override getIdentities(done: (error?: Error | null, keys?: ParsedKey[]) => void): void {
    done(undefined, this.#keys);
  }
}
