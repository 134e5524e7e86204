/** Of Berth and of the Docker Engine API that it answers. Clients take the highest version that both sides know. */
export const version = "0.1.0";
export const apiVersion = "1.51";
export const minimumApiVersion = "1.24";
