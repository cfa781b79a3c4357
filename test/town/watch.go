package town

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
)

// Exchange is one request to a server of the town and its answer.
type Exchange struct {
	Request *http.Request
	Form    url.Values // of the request's body
	Status  int
	Header  http.Header // of the answer
	Body    string
}

// watched has h answer r and tells watch of it before the client learns.
func watched(w http.ResponseWriter, r *http.Request, h http.Handler, watch func(Exchange)) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	form, _ := url.ParseQuery(string(body)) // as far as it is one
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	watch(Exchange{Request: r, Form: form, Status: answer.Code, Header: answer.Header(), Body: answer.Body.String()})
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
