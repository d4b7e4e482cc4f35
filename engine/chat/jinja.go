package chat

func newJinja(m Model) (*Template, error) { return nil, ErrNone }
