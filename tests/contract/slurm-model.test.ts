/** The model of Slurm does what the real one does; the same suite on that is beside this file. */
import { modelledPlace } from './slurm-model-place.ts';
import { slurmModelSuite } from './slurm-model-suite.ts';

slurmModelSuite('a modelled Slurm', async () => modelledPlace(['head', 'one', 'two']), {
  skip: false,
});
