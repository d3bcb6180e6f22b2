/** All checkers, in the order of the reference. */
import { blastRadius } from './blast-radius.ts';
import { checkedImage } from './checked-image.ts';
import type { Checker } from './checker.ts';
import { drained } from './drained.ts';
import { evidence } from './evidence.ts';
import { frozen } from './frozen.ts';
import { held } from './held.ts';
import { neighbours } from './neighbours.ts';
import { noLeak } from './no-leak.ts';
import { noSecret } from './no-secret.ts';
import { oneDomain } from './one-domain.ts';
import { oneWrite } from './one-write.ts';
import { orderedOnly } from './ordered-only.ts';
import { ownership } from './ownership.ts';
import { paused } from './paused.ts';
import { rightMachine } from './right-machine.ts';
import { safeNames } from './safe-names.ts';
import { sameIdentity } from './same-identity.ts';
import { stale } from './stale.ts';
import { theirDrains } from './their-drains.ts';

export const checkers: readonly Checker[] = [
  ownership,
  neighbours,
  sameIdentity,
  oneDomain,
  drained,
  orderedOnly,
  paused,
  evidence,
  held,
  stale,
  rightMachine,
  noSecret,
  noLeak,
  theirDrains,
  checkedImage,
  blastRadius,
  frozen,
  safeNames,
  oneWrite,
];
