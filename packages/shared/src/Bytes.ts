/** Whether a text has at most so many bytes of UTF-8. Its characters are counted first: each is one to three bytes. */
export const isWithinBytes = (text: string, bytesMax: number): boolean =>
  text.length * 3 <= bytesMax || (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax)
