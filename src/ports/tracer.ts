// The port to traces: what one command went through, from the frame that asked for it to the sockets that were told.

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Something that takes a while. */
export interface Span {
  /** A part of it, from now on. */
  child(name: string): Span;
  /**
   * It is over now. To be called once.
   * @param failure why it came to nothing, where it did
   */
  end(attributes?: SpanAttributes, failure?: string): void;
}

export interface Tracer {
  /**
   * Begins a trace, or says that this one is not looked at: most are not, and then nothing more is made for it. Never throws, and nobody
   * waits for what becomes of it.
   */
  begin(name: string, attributes: SpanAttributes): Span | undefined;
}
