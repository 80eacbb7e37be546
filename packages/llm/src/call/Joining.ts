/**
 * Services whose every request joins the call around it, also while a stream is read on. One that a program wrote itself
 * may ask others when it likes: the first policy around it makes one call of that.
 */
const joining = new WeakSet<object>()

/** Notes that a service joins the call around it. */
export const joins = <S extends object>(service: S): S => {
  joining.add(service)
  return service
}

/** True for a service that joins the call around it by itself. */
export const isJoining = (service: object): boolean => joining.has(service)
