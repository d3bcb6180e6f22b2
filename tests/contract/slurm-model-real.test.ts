/** The suite that the model passes, on real munged, slurmctld and slurmd in namespaces. */
import { missingForLab } from './slurm/lab.ts';
import { realPlace } from './slurm-model-place.ts';
import { slurmModelSuite } from './slurm-model-suite.ts';

slurmModelSuite('a real Slurm', () => realPlace(['head', 'one', 'two']), {
  skip: missingForLab() ?? false,
});
