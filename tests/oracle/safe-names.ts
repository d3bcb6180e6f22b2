/**
 * S18: names that reach a path, a definition or a shell are of the letters that no encoder has to
 * touch, and a command holds nothing that a terminal or shell would take for more than text.
 */
import type { Checker } from './checker.ts';
import type { Effect } from './truth.ts';

const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,250}$/;

export const safeNames: Checker = {
  id: 'S18',
  asked: ({ effect }) => {
    const names = namesIn(effect).filter((name) => !plainName.test(name));
    const messages = names.map((name) => `${effect.kind} with the name ${JSON.stringify(name)}`);
    if (effect.kind === 'guest' && /\p{Cc}/u.test(effect.script.replaceAll(/[\n\t]/g, ''))) {
      messages.push(`a command for ${effect.node} holds control characters`);
    }
    return messages;
  },
};

function namesIn(effect: Effect): string[] {
  switch (effect.kind) {
    case 'uploadArtifact':
      return [effect.artifact.volume];
    case 'createVolume':
      return [effect.volume.name, effect.volume.backingVolume];
    case 'deleteVolume':
      return [effect.name];
    case 'defineDomain': {
      const { name, volume, network, boot } = effect.domain;
      return [name, volume, network, ...[boot?.kernel, boot?.initrd].flatMap((file) => file ?? [])];
    }
    case 'createNetwork':
    case 'removeNetwork':
      return [effect.network.name];
    case 'guest':
      return [effect.node];
    default:
      return [];
  }
}
