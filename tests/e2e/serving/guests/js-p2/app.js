/** Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`. */

import { greet } from "acme:hello/greet@0.1.0";

addEventListener("fetch", (event) => {
  const name = new URL(event.request.url).pathname.split("/").pop();
  event.respondWith(new Response(greet(name), { headers: { "content-type": "text/plain" } }));
});
