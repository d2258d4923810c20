// Owns who sits where: the people of a scenario, their rooms, the thread that runs each, and the load from which on they are there.
// Pure, so that every thread of every machine finds the same.
import type { RoomsGroup, Scenario } from './scenario/scenario.ts';

/** One listener's place. */
export interface Seat {
  readonly group: number;
  /** Of the group's rooms; 0 for a person of the feed. */
  readonly room: number;
  /** In the room, from 0 on: 0 is who made it. */
  readonly place: number;
  /** Of all people of the run: gives the id and the token. */
  readonly person: number;
  /** Taken from this load of the group on. */
  readonly fromLoad: number;
}

/** Rooms above this are spread over the threads; others are run by one, which sees all of their members. */
const SPREAD_FROM = 400;

/** So many people at most have a place in a group at load `most`. */
function sizeAt(group: RoomsGroup, most: number): { rooms: number; listeners: number } {
  const { rooms, listeners, grows } = group;
  if (grows === 'acts') return { rooms, listeners };
  return grows === 'rooms'
    ? { rooms: Math.ceil(rooms * most), listeners }
    : { rooms, listeners: Math.ceil(listeners * most) };
}

/**
 * All seats, in the order in which they are taken as the load grows.
 * @param mostLoad the highest load that will be asked for
 */
export function seatsOf(scenario: Scenario, mostLoad: number): Seat[] {
  const seats: Seat[] = [];
  scenario.groups.forEach((group, at) => {
    const before = seats.length;
    const take = (room: number, place: number, fromLoad: number): void => {
      seats.push({ group: at, room, place, person: seats.length, fromLoad });
    };
    if (group.kind === 'feed') {
      const people = Math.ceil(group.people * mostLoad);
      for (let i = 0; i < people; i += 1) take(0, i, (i + 1) / group.people);
      return;
    }
    const { rooms, listeners } = sizeAt(group, mostLoad);
    const atOne = group.rooms * group.listeners;
    const ordinal = (): number => seats.length - before;
    if (group.grows === 'listeners') {
      // All rooms fill evenly.
      for (let place = 0; place < listeners; place += 1) {
        for (let room = 0; room < rooms; room += 1) take(room, place, (ordinal() + 1) / atOne);
      }
    } else {
      for (let room = 0; room < rooms; room += 1) {
        for (let place = 0; place < listeners; place += 1) {
          take(room, place, (ordinal() + 1) / atOne);
        }
      }
    }
  });
  return seats;
}

/** How many people are meant to be there at a load. */
export function seatCount(scenario: Scenario, mostLoad: number, load: number): number {
  return seatsOf(scenario, mostLoad).filter(({ fromLoad }) => isTaken(fromLoad, load)).length;
}

/** The highest load, in hundredths and not above `mostLoad`, at which there are no more people than places. */
export function mostLoadFor(scenario: Scenario, mostLoad: number, places: number): number {
  const taken = seatsOf(scenario, mostLoad)
    .map(({ fromLoad }) => fromLoad)
    .sort((a, b) => a - b)
    .filter((fromLoad) => isTaken(fromLoad, mostLoad));
  const tooMany = taken[places];
  if (tooMany === undefined) return mostLoad;
  const most = Math.floor(tooMany * 100) / 100;
  return isTaken(tooMany, most) ? most - 0.01 : most;
}

/** Loads are sums of fractions: what is equal but for their last digits is equal. */
export function isTaken(fromLoad: number, load: number): boolean {
  return fromLoad <= load + 1e-9;
}

/** The rooms that somebody enters at a load, and the person who makes each. */
export function roomsAt(
  scenario: Scenario,
  mostLoad: number,
  load: number,
): { readonly group: number; readonly room: number; readonly host: number }[] {
  return seatsOf(scenario, mostLoad)
    .filter(({ group, place, fromLoad }) => {
      const isRoom = scenario.groups[group]?.kind === 'rooms';
      return isRoom && place === 0 && isTaken(fromLoad, load);
    })
    .map(({ group, room, person }) => ({ group, room, host: person }));
}

/** Whether the rooms of a group have members in all threads. */
export function isSpread(group: RoomsGroup, mostLoad: number): boolean {
  return sizeAt(group, mostLoad).listeners > SPREAD_FROM;
}

/** The thread that runs a seat. */
export function threadOf(
  scenario: Scenario,
  seat: Seat,
  threads: number,
  mostLoad: number,
): number {
  const group = scenario.groups[seat.group];
  if (group === undefined || group.kind === 'feed') return seat.place % threads;
  return (isSpread(group, mostLoad) ? seat.place : seat.room) % threads;
}

/** A person's id: a uuid that tells the run and the number. @param run 32 bits, so that two runs have other people */
export function personId(run: number, person: number): string {
  const hex = (run >>> 0).toString(16).padStart(8, '0');
  return `10ad7e57-${hex.slice(0, 4)}-4${hex.slice(4, 7)}-8${hex.slice(7)}00-${person.toString(16).padStart(12, '0')}`;
}

/** The number of the person with that id; undefined where it is nobody of this run. */
export function personOf(run: number, userId: string): number | undefined {
  const person = Number.parseInt(userId.slice(-12), 16);
  return personId(run, person) === userId ? person : undefined;
}
