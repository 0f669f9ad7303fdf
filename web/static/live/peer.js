/** One WebRTC connection that sends the camera and the microphone to the server. */

import { call } from "../shared/api.js";
import { PageError } from "../shared/errors.js";

const GATHERING_MS = 3_000;
const CONNECTING_MS = 15_000;
/** How long a connection may be "disconnected" before it is given up: a change of Wi-Fi mends itself. */
const DISCONNECTED_MS = 5_000;

export class Peer {
  #connection = new RTCPeerConnection({ iceServers: [] });
  #timer = 0;
  #onLost;

  /**
   * @param {MediaStream} stream what to send
   * @param {(error: PageError) => void} onLost called once, when the connection is over
   */
  constructor(stream, onLost) {
    this.#onLost = onLost;
    for (const track of stream.getTracks()) {
      track.contentHint = track.kind === "audio" ? "speech" : "motion";
      this.#connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    }
    this.#connection.addEventListener("connectionstatechange", () => this.#changed());
  }

  /**
   * Asks the server for a session and connects to it.
   *
   * @param {boolean} own whether the stream comes from camera and microphone: what is shared is not learnt from
   * @returns {Promise<string>} the session's id
   */
  async open(own) {
    await this.#connection.setLocalDescription();
    await this.#gathered();
    const { sdp, type } = this.#connection.localDescription;
    if (!/^a=candidate:/m.test(sdp)) throw new PageError("no-network");
    const kinds = new Set(this.#connection.getSenders().map((sender) => sender.track?.kind));
    const answer = await call("/api/sessions", {
      method: "POST",
      json: { sdp, type, audio: kinds.has("audio"), video: kinds.has("video"), own },
    });
    if (this.#connection.signalingState === "closed") return answer.session;
    await this.#connection.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
    if (this.#connection.connectionState !== "connected") this.#loseAfter(CONNECTING_MS);
    return answer.session;
  }

  /** Sends another track in place of one of the same kind that has ended. */
  async replace(track) {
    const same = this.#connection.getTransceivers().find(({ receiver }) => receiver.track.kind === track.kind);
    await same?.sender.replaceTrack(track);
  }

  close() {
    this.#onLost = () => {};
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  #gathered() {
    const connection = this.#connection;
    if (connection.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHERING_MS);
      connection.addEventListener("icegatheringstatechange", () => {
        if (connection.iceGatheringState !== "complete") return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #changed() {
    clearTimeout(this.#timer);
    const state = this.#connection.connectionState;
    if (state === "failed") this.#lose();
    else if (state === "disconnected") this.#loseAfter(DISCONNECTED_MS);
    else if (state === "connecting") this.#loseAfter(CONNECTING_MS);
  }

  #loseAfter(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(), milliseconds);
  }

  #lose() {
    const tell = this.#onLost;
    this.close();
    tell(new PageError("peer"));
  }
}
