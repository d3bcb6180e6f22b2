/**
 * Slurm as a scheduler module: configless slurmctld on the head, workers as dynamic nodes.
 * Everything here is pure; the controller runs the scripts and brings back what they print.
 */
import { randomBytes } from 'node:crypto';
import type { SlurmSpec } from '../../../crd/bench-cluster.ts';
import type { SchedulerModule } from '../scheduler.ts';
import { checkConfig } from './config.ts';
import { factsScript, parseFacts, type SlurmFacts } from './facts.ts';
import { isUsable } from './node-state.ts';
import { plan } from './plan.ts';
import { mungeKeySecret } from './render.ts';
import { parseView, type SlurmView, viewScript } from './view.ts';

/** munge takes 32 to 1024 bytes; 128 is what its own tool makes. */
const mungeKeyBytes = 128;

export const slurm: SchedulerModule<SlurmSpec, SlurmFacts, SlurmView> = {
  name: 'slurm',
  checkConfig,
  factsScript,
  parseFacts,
  viewScript,
  parseView,
  isReady(view, node) {
    const record = view.nodes.get(node);
    return record !== undefined && isUsable(record);
  },
  secrets: {
    [mungeKeySecret]: async () => new Uint8Array(randomBytes(mungeKeyBytes)),
  },
  plan,
};
