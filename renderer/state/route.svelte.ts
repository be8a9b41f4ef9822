/** Where the user is, kept in the address's hash. */
import { hrefOf, parseRoute, type Route } from './routes.ts';

export { hrefOf, type Route } from './routes.ts';

class Place {
  #route = $state.raw<Route>({ view: 'library' });

  get route(): Route {
    return this.#route;
  }

  start(): void {
    const read = (): void => void (this.#route = parseRoute(location.hash));
    window.addEventListener('hashchange', read);
    read();
  }

  go(route: Route): void {
    location.hash = hrefOf(route);
  }
}

export const place = new Place();
