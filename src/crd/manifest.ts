/** An object of ours with the place it came from. */
import type { BenchCluster } from './bench-cluster.ts';
import type { BenchHost } from './bench-host.ts';
import type { BenchImage } from './bench-image.ts';

export interface Origin {
  file: string;
  line: number;
  /** The text may be half written: seen only once, or changed a moment ago. */
  settled: boolean;
  /** The file says so itself, by its last line `...`; it may still be the half of another version. */
  whole?: true;
  /** It is no longer written there; in force until its absence is confirmed. */
  missing?: true;
}

export type Manifest =
  | { kind: 'BenchCluster'; object: BenchCluster; origin: Origin }
  | { kind: 'BenchHost'; object: BenchHost; origin: Origin }
  | { kind: 'BenchImage'; object: BenchImage; origin: Origin };
