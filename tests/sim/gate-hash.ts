/** Prints the hash of one seed's run, for a process with other surroundings to compare with. */
import { playSeed } from './gate-batch.ts';

const { played } = await playSeed(Number(process.argv[2]));
process.stdout.write(`${played.hash}\n`);
