// How many rooms somebody may make, and how many an address may: they are kept for good. Knows no rooms.
import type { UserId } from '../../../protocol/ids.ts';
import type { HubOptions } from '../hub-options.ts';
import { PersonRates, type PersonRatesParts } from '../person-rates.ts';

/** Who makes a room, and from where. */
export interface RoomMaker {
  readonly userId: UserId;
  readonly address: string;
}

export class RoomRates {
  readonly #people: PersonRates;
  /** A guest is had for a name: without, whoever has made their rooms goes on as the next. */
  readonly #addresses: PersonRates<string>;

  constructor(
    { roomRate, addressRoomRate }: Pick<HubOptions, 'roomRate' | 'addressRoomRate'>,
    parts: Omit<PersonRatesParts, 'kind' | 'limit'>,
  ) {
    this.#people = new PersonRates({ ...parts, kind: 'rooms', limit: roomRate });
    this.#addresses = new PersonRates({
      ...parts,
      kind: 'rooms of an address',
      limit: addressRoomRate,
    });
  }

  /** @returns 0 where the room may be made, else the wait in ms */
  take({ userId, address }: RoomMaker): number {
    // The person first, so that nobody who is above their own uses up what their neighbours have.
    return this.#people.take(userId, 1) || this.#addresses.take(address, 1);
  }

  stop(): void {
    this.#people.stop();
    this.#addresses.stop();
  }
}
