/**
 * The key pair with which the controller logs in to guests, made once per installation and kept
 * as a secret of its state. Only the private half is stored: two files could part in a crash.
 */
import type { Identity } from '../controllers/bench-cluster/desired.ts';
import type { StateStore } from '../controllers/ports.ts';
import { generateEd25519, publicLineOf } from '../drivers/ssh/keys.ts';

export interface OwnKeys extends Identity {
  privateKey: Buffer;
}

export async function ownKeys(state: StateStore): Promise<OwnKeys> {
  const create = async () => Buffer.from(generateEd25519('benchcluster').privateKey);
  const privateKey = Buffer.from(await state.secret('controller/id_ed25519', create));
  const installation = await state.installation();
  return { installation, controllerKey: publicLineOf(privateKey), privateKey };
}
