/** Two lives of the oracle's scene that look alike: one is wrong, the other is right. */
import type { Scene } from './scene.ts';

export interface Case {
  id: string;
  what: string;
  /** On a cluster that is ready. */
  bad: (scene: Scene) => void;
  /** What looks alike and is right. */
  good: (scene: Scene) => void;
}
