// Owns how a part of the room's screen reaches the open room.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { RoomModel } from '../room-model.ts';

export const RoomContext = createContext<RoomModel | undefined>(undefined);

export function useRoom(): RoomModel {
  const model = useContext(RoomContext);
  if (model === undefined) throw new Error('a part of the room is shown outside of one');
  return model;
}
