/** Causes an unhandled rejection a moment later. */
export function careless(place: string): void {
  setTimeout(() => void Promise.reject(new Error(`careless ${place}`)), 5);
}
