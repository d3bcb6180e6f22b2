/** What is not there is often an answer and no error. */
import { isAbsent } from '../../libvirt/error.ts';

export async function unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
