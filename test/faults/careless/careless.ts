/** Fails a moment later, where nothing awaits it. */
export function careless(place: string): void {
  setTimeout(() => void Promise.reject(new Error(`careless ${place}`)), 5);
}
