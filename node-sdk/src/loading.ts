/**
 * Rooms that are loaded when they are first needed, so that a web page carries only what it uses.
 *
 * @module
 */
import { APIConnectionError } from './errors.ts';

/**
 * The room, once it is there.
 *
 * @throws APIConnectionError `module_not_loaded`, if it cannot be fetched: nothing was sent.
 */
export async function loaded<Room>(room: Promise<Room>): Promise<Room> {
  try {
    return await room;
  } catch {
    throw new APIConnectionError('A part of the SDK could not be loaded: check that all its chunks are served.', {
      code: 'module_not_loaded',
      retryable: true,
    });
  }
}
